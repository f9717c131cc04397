// A gateway with many tunnels and traffic in some of them: what a dashboard is for.
import { type LoadProcess, startGenerator } from '../../bench/load/load-process.ts';
import type { GeneratorCommands } from '../../bench/load/protocol.ts';
import { parseIpv4 } from '../../src/wire/ip.ts';
import { GatewayProcess } from '../gateway/gateway-process.ts';
import { createSite, PASSWORD, type Site } from '../gateway/site.ts';

/** What a client may call itself when its operator is no friend. */
export const HOSTILE = '<img src=x onerror="document.title=1">';

/** The first tunnels send; these are theirs. */
const TALKERS = [
  'ines',
  'jonas',
  'katja',
  'lukas',
  'mira',
  'nils',
  'olga',
  'pavel',
  'ronja',
  'samir',
  'tessa',
  'viktor',
];
const FEW = { user: 'bob', count: 5 } as const;
/** Handshakes at a time. */
const WIDTH = 32;
/** Behind the echo network's one address there is nobody: what goes there is upload only. */
const NOBODY = parseIpv4('10.99.0.9')!;
const TURN_MS = 200;

export class LiveGateway {
  readonly process: GatewayProcess;
  readonly #site: Site;
  readonly #generator: LoadProcess<GeneratorCommands>;
  #isSending = true;

  /** @param count tunnels in all: most of `staff`, five of `bob`, one of a hostile name. */
  static async start(count: number): Promise<LiveGateway> {
    const names = [...TALKERS, FEW.user, HOSTILE, 'staff'];
    const site = await createSite(
      {},
      'ec',
      names.map(name => ({ name, password: PASSWORD })),
    );
    const [gateway, generator] = await Promise.all([GatewayProcess.start(site), startGenerator()]);
    const live = new LiveGateway(gateway, site, generator);
    for (const user of [...TALKERS, HOSTILE]) await live.#connect(user, 1);
    await live.#connect(FEW.user, FEW.count);
    await live.#connect('staff', count - TALKERS.length - 1 - FEW.count);
    void live.#send().catch(() => undefined);
    return live;
  }

  private constructor(gateway: GatewayProcess, site: Site, generator: LoadProcess<GeneratorCommands>) {
    this.process = gateway;
    this.#site = site;
    this.#generator = generator;
  }

  async close(): Promise<void> {
    this.#isSending = false;
    await this.#generator.stop();
    await this.process.stop();
    this.#site.remove();
  }

  async #connect(user: string, count: number): Promise<void> {
    const https = { host: 'localhost', port: this.process.port, ca: this.#site.ca };
    const target = { https, user, password: PASSWORD, auth: ['mschapv2'] as const };
    const { up, failures } = await this.#generator.call('connect', { target, count, concurrency: WIDTH });
    if (up !== count) throw new Error(`${up} of ${count} tunnels are up: ${JSON.stringify(failures)}`);
  }

  /** Comes and goes in waves; the first tunnels send more than the others. */
  async #send(): Promise<void> {
    let turn = 0;
    while (this.#isSending) {
      turn++;
      const wave = 1 + 0.6 * Math.sin(turn / 12);
      const rate = { durationMs: TURN_MS, packetLength: 1200, tunnels: 1 + (turn % TALKERS.length) };
      await this.#generator.call('ping', { ...rate, packetsPerSecond: 1500 * wave });
      await this.#generator.call('upload', { ...rate, packetsPerSecond: 400 * wave, destination: NOBODY, port: 9 });
    }
  }
}
