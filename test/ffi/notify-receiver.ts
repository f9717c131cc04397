/** The other end of sd_notify(3): a datagram socket as a service manager has it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { addressOf, bind, close, Errno, read, unixAddress, unixDatagramSocket } from '../../src/ffi/libc.ts';

const LONGEST = 4096;

export class NotifyReceiver {
  /** Messages in the order in which they came. */
  readonly heard: string[] = [];
  readonly #fd = unixDatagramSocket();
  readonly #bytes = Buffer.alloc(LONGEST);

  /** @param name a path, or '@' and an abstract name */
  constructor(name: string) {
    const address = unixAddress(name);
    if (address === undefined) throw new Error(`${name} is too long`);
    bind(this.#fd, address);
  }

  /** Takes what has arrived. */
  take(): void {
    for (;;) {
      const length = read(this.#fd, addressOf(this.#bytes), LONGEST);
      if (length === -Errno.EAGAIN) return;
      if (length < 0) throw new Error(`errno ${-length}`);
      this.heard.push(this.#bytes.toString('utf8', 0, length));
    }
  }

  /** Resolves with the first message from `since` on that matches. */
  async until(wanted: RegExp, since = 0, limitMs = 10_000): Promise<string> {
    for (const end = performance.now() + limitMs; performance.now() < end; await sleep(20)) {
      this.take();
      const found = this.heard.slice(since).find(message => wanted.test(message));
      if (found !== undefined) return found;
    }
    throw new Error(`${String(wanted)} did not come: ${JSON.stringify(this.heard)}`);
  }

  close(): void {
    close(this.#fd);
  }
}
