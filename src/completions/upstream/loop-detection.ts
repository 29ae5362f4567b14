import { HttpException } from '@nestjs/common';
import { randomBytes } from 'node:crypto';

/** How this process signs the calls it forwards, in RFC 9110's `Via`. */
const PSEUDONYM = `tollgate-${randomBytes(6).toString('hex')}`;
const GATES = /\btollgate-[0-9a-f]{12}\b/g;
/** Gates may stand in a row, but not this many: replicas of one gate that call each other have different names. */
const MAX_GATES = 4;

/** The `Via` a call is forwarded with. 508 `loop_detected` when it came through this gate before, or through too many. */
export function viaHeader(received: string | undefined): string {
  const gates: readonly string[] = received?.match(GATES) ?? [];
  if (gates.includes(PSEUDONYM) || gates.length >= MAX_GATES) {
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
