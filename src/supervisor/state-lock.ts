import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { tryLock } from '../ffi/libc.ts';

/** The state directory is another gateway's, or cannot be used. The message is for the operator. */
export class StateLockError extends Error {
  override readonly name = 'StateLockError';
}

/**
 * Keeps two gateways from writing one accounting journal: what one of them has not yet delivered the other would take for what a dead process
 * left. The lock goes with the process, however it ends.
 * @returns a function that gives it back
 * @throws StateLockError
 */
export function lockState(directory: string): () => void {
  const path = join(directory, 'lock');
  let fd: number;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    fd = openSync(path, 'a+', 0o600);
  } catch (error) {
    throw new StateLockError(`stateDir: ${(error as Error).message}`, { cause: error });
  }
  if (!tryLock(fd)) {
    const holder = readFileSync(path, 'latin1').trim();
    closeSync(fd);
    throw new StateLockError(
      `stateDir: ${directory} is in use by another gateway${/^\d+$/.test(holder) ? `, process ${holder}` : ''}: give each its own`,
    );
  }
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`);
  return () => closeSync(fd);
}
