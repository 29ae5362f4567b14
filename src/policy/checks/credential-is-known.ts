import { type Check, deny, PASS } from '../decision.js';

/** The request presents a credential, and the gateway knows it. */
export const credentialIsKnown: Check = ({ credential }) => {
  switch (credential.kind) {
    case 'absent':
      return deny({
        code: 'credential_missing',
        message: 'Authentication Error, No api key passed in. Send it as `Authorization: Bearer sk-...`.',
      });
    case 'malformed':
      return deny({ code: 'credential_malformed', message: `Authentication Error, ${credential.reason}` });
    case 'unknown':
      return deny({
        code: 'key_unknown',
        message: `Authentication Error, Invalid proxy server token passed. Received API Key = ${credential.hint}. It is not (or no longer) a key of this gateway.`,
        param: 'key',
      });
    case 'refused':
      return deny({ code: credential.code, message: `Authentication Error, ${credential.reason}` });
    default:
      return PASS;
  }
};
