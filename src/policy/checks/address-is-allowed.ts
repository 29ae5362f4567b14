import { type Check, deny } from '../decision.js';

/** The proxy accepts calls from the client's address. (`general_settings.allowed_ips`) */
export const addressIsAllowed: Check = ({ route: { refusedAddress } }) =>
  deny(
    refusedAddress === undefined
      ? undefined
      : {
          code: 'address_not_allowed',
          message: `Access forbidden: IP address ${refusedAddress} not allowed.`,
        },
  );
