/**
 * Sees when the files of certificates are replaced, as certbot does behind the gateway's back, and reads them again once certificate and
 * key belong together. By looking now and then: symbolic links and network file systems tell nobody of a change.
 */
import { statSync } from 'node:fs';
import { loadCertificate } from '../config/certificates.ts';
import type { ServerCertificate } from '../config/schema.ts';

export interface CertificateWatchOptions {
  readonly intervalMs: number;
  /** Those in force. */
  certificates(this: void): readonly ServerCertificate[];
  /** All of them, at least one of which is new. */
  replaced(this: void, certificates: readonly ServerCertificate[]): void;
  /** What has changed and cannot be used. Once for each change. */
  refused(this: void, problem: string): void;
}

/** A replacement is two files: this many looks in a row have to find the pair unfit before it is called that. */
const PATIENCE = 3;

export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  readonly #timer: NodeJS.Timeout;
  /** Of the files when they were last read with success. */
  #stamp: string;
  #misfits = 0;

  constructor(options: CertificateWatchOptions) {
    this.#options = options;
    this.#stamp = stampOf(options.certificates());
    this.#timer = setInterval(() => this.look(), options.intervalMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Certificates that were read meanwhile in another way are nothing new. */
  look(): void {
    const present = this.#options.certificates();
    const stamp = stampOf(present);
    if (stamp === this.#stamp) return;
    const fresh: ServerCertificate[] = [];
    for (const { certFile, keyFile, serverNames } of present) {
      const { certificate, findings } = loadCertificate(certFile, keyFile, serverNames, new Date());
      if (certificate === undefined) return this.#onMisfit(findings.map(({ message }) => message).join('; '));
      fresh.push(certificate);
    }
    this.#stamp = stamp;
    this.#misfits = 0;
    const isNew = fresh.some(({ cert, key }, index) => cert !== present[index]?.cert || key !== present[index].key);
    if (isNew) this.#options.replaced(fresh);
  }

  #onMisfit(problem: string): void {
    if (++this.#misfits === PATIENCE) this.#options.refused(problem);
  }
}

/** Differs when any of the files is another one, or was written to. */
function stampOf(certificates: readonly ServerCertificate[]): string {
  return certificates.flatMap(({ certFile, keyFile }) => [stampOfFile(certFile), stampOfFile(keyFile)]).join(' ');
}

function stampOfFile(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? 'gone' : `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}`;
}
