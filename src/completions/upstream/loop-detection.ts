import { HttpException } from '@nestjs/common';
import { randomBytes } from 'node:crypto';

/** Name of this process in the `Via` header (RFC 9110) of the calls that it forwards. */
const PSEUDONYM = `tollgate-${randomBytes(6).toString('hex')}`;
const GATEWAYS = /\btollgate-[0-9a-f]{12}\b/g;
/** Maximum number of gateways in a row. Replicas that call each other in a loop have different names, so only this limit stops them. */
const MAX_GATEWAYS = 4;

/** Returns the `Via` header to forward. Throws 508 `loop_detected` if the call passed this gateway before, or passed too many. */
export function viaHeader(received: string | undefined): string {
  const gateways: readonly string[] = received?.match(GATEWAYS) ?? [];
  if (gateways.includes(PSEUDONYM) || gateways.length >= MAX_GATEWAYS) {
    throw new HttpException(
      {
        message:
          'This call came back to the gateway that forwarded it: the api_base of its model leads here. Point it at the provider.',
        type: 'loop_detected',
      },
      508,
    );
  }
  return received === undefined ? `1.1 ${PSEUDONYM}` : `${received}, 1.1 ${PSEUDONYM}`;
}
