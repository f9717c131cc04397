/** Negative results; the host's `PathError` names the same values. */
export const ERROR_VERSION: i32 = -1;
export const ERROR_LENGTH: i32 = -2;
export const ERROR_CONTROL_LENGTH: i32 = -3;
export const ERROR_TOO_LONG: i32 = -4;
export const ERROR_TOO_SHORT: i32 = -5;
export const ERROR_NOT_IP: i32 = -6;
export const ERROR_MALFORMED: i32 = -7;
export const ERROR_GSO_TYPE: i32 = -8;
