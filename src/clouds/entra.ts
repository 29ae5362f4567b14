import type { EntraSettings } from '../config/cloud-settings.js';
import { type Cloud, type Token, withBearer } from './cloud.js';

/** The authority is the operator's choice, so no other host is asked about it. */
const NO_DISCOVERY = { disableInstanceDiscovery: true };

/** Returns Entra ID: an application with its secret, or the identity of the host. */
export const entra = ({ tenantId, clientId, clientSecret, scope }: EntraSettings): Cloud<Token> =>
  withBearer(async () => {
    const { ClientSecretCredential, DefaultAzureCredential } = await import('@azure/identity');
    // A new object each time: the library's own cache would return a token that is about to end.
    const credential =
      tenantId !== undefined && clientId !== undefined && clientSecret !== undefined
        ? new ClientSecretCredential(tenantId, clientId, clientSecret, NO_DISCOVERY)
        : new DefaultAzureCredential({
            ...NO_DISCOVERY,
            ...(tenantId !== undefined && { tenantId }),
            ...(clientId !== undefined && { managedIdentityClientId: clientId }),
          });
    const { token, expiresOnTimestamp } = await credential.getToken(scope);
    return { value: token, expiresAtMs: expiresOnTimestamp };
  });
