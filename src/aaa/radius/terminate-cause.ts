import type { AccountingCause } from '../../protocol/end-reason.ts';

/** Acct-Terminate-Cause, RFC 2866 5.10. */
export const TERMINATE_CAUSE: Readonly<Record<AccountingCause, number>> = {
  'User-Request': 1,
  'Lost-Carrier': 2,
  'Idle-Timeout': 4,
  'Session-Timeout': 5,
  'Admin-Reset': 6,
  'NAS-Error': 9,
  'NAS-Request': 10,
  'NAS-Reboot': 11,
  'User-Error': 17,
};
