/** What the kernel's dev_valid_name accepts, in ASCII and without '%', which the kernel would replace by a number. */
export function isInterfaceName(name: string): boolean {
  return /^[!-$&-.0-9;-~]{1,15}$/.test(name) && name !== '.' && name !== '..';
}
