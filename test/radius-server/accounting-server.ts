// A real FreeRADIUS (the Debian package freeradius) on loopback that takes accounting and writes down all that it is told.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import { freePort, FreeradiusProcess, preamble } from './freeradius-process.ts';

export const ACCOUNTING_SECRET = 'testing123';

/** Attributes of one request by FreeRADIUS' names, texts without quotation marks. What came several times is joined by spaces. */
export type AccountingRecord = Readonly<Record<string, string>>;

export class AccountingServer {
  readonly port: number;
  readonly #directory: string;
  readonly #process: FreeradiusProcess;

  /** A server that runs, and ends with the test. */
  static async start(t: TestContext): Promise<AccountingServer> {
    const server = new AccountingServer(await freePort());
    t.after(async () => {
      await server.kill();
      rmSync(server.#directory, { recursive: true });
    });
    await server.start();
    return server;
  }

  private constructor(port: number) {
    this.port = port;
    this.#directory = mkdtempSync(join(tmpdir(), 'sstp-gateway-radius-'));
    this.#process = new FreeradiusProcess(this.#directory);
    writeFileSync(join(this.#directory, 'radiusd.conf'), configuration(this.#directory, port));
  }

  /** Resolves when it answers. What an earlier one wrote stays. */
  start(): Promise<void> {
    return this.#process.start();
  }

  kill(): Promise<void> {
    return this.#process.kill();
  }

  /** All that it was told, in order. */
  records(): AccountingRecord[] {
    const file = join(this.#directory, 'detail');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .split('\n\n')
      .filter(block => block.trim() !== '')
      .map(block => {
        const record: Record<string, string> = {};
        for (const [, name, value] of block.matchAll(/^\t([\w:-]+) = "?(.*?)"?$/gm)) {
          record[name!] = record[name!] === undefined ? value! : `${record[name!]} ${value}`;
        }
        return record;
      });
  }

  /** What it was told once the condition holds. */
  async until(condition: (records: readonly AccountingRecord[]) => boolean): Promise<AccountingRecord[]> {
    for (;;) {
      const records = this.records();
      if (condition(records)) return records;
      await sleep(50);
    }
  }
}

function configuration(directory: string, port: number): string {
  return `
${preamble(directory)}
client local {
  ipaddr = 127.0.0.1
  secret = ${ACCOUNTING_SECRET}
}
modules {
  detail {
    filename = ${directory}/detail
    permissions = 0600
  }
}
server default {
  listen {
    type = acct
    ipaddr = 127.0.0.1
    port = ${port}
  }
  accounting {
    detail
  }
}
`;
}
