/** Acct-Status-Type, RFC 2866 5.1. */
export const AcctStatus = { Start: 1, Stop: 2, Interim: 3, On: 7, Off: 8 } as const;
export type AcctStatus = (typeof AcctStatus)[keyof typeof AcctStatus];
