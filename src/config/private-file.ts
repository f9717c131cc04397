import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';

/**
 * Writes a file that only its owner may read (0600): a reader finds the old content or the new, never a part, also
 * after a power cut. The owner of a file that is there stays its owner. A symbolic link at `file` would be replaced,
 * so pass its target. @throws the system's error
 */
export function writePrivateFile(file: string, content: string): void {
  const draft = `${file}.${process.pid}.new`;
  try {
    const descriptor = openSync(draft, 'w', 0o600);
    try {
      // A left-over draft keeps the mode that it was made with.
      fchmodSync(descriptor, 0o600);
      keepOwner(file, descriptor);
      writeFileSync(descriptor, content);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Root edits for the gateway's own account, which must still be able to read the file. */
function keepOwner(file: string, descriptor: number): void {
  const current = statSync(file, { throwIfNoEntry: false });
  if (current !== undefined && process.getuid?.() === 0) fchownSync(descriptor, current.uid, current.gid);
}
