import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Findings } from './findings.ts';

/** As a value it stands for the file that this variable of the environment names. The variable alone does nothing. */
export const FROM_ENVIRONMENT = '$SSLKEYLOGFILE';
const KEY = ['tls', 'keyLog'];

/** The absolute path of the file for TLS keys. That there is one is worth a warning at every start. */
export function checkKeyLog(written: string | undefined, base: string, findings: Findings): string | undefined {
  if (written === undefined) return undefined;
  const variable = process.env['SSLKEYLOGFILE'];
  if (written === FROM_ENVIRONMENT && !variable) {
    findings.warn(KEY, 'SSLKEYLOGFILE is not set: no keys are written');
    return undefined;
  }
  const file = written === FROM_ENVIRONMENT ? resolve(variable!) : resolve(base, written);
  const directory = statSync(dirname(file), { throwIfNoEntry: false });
  if (directory?.isDirectory() !== true) {
    findings.error(KEY, `${dirname(file)} is no directory`, `the path of a file, or ${FROM_ENVIRONMENT}`);
    return undefined;
  }
  findings.warn(
    KEY,
    `THE KEYS OF EVERY TLS CONNECTION ARE WRITTEN TO ${file}: whoever has it can read all tunnels, passwords included. Take the key out when you are done`,
  );
  return file;
}
