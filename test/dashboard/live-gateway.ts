// A gateway with many tunnels, traffic in some of them, and some who were not let in: what a dashboard is for.
import { get } from 'node:https';
import { type LoadProcess, startGenerator } from '../../bench/load/load-process.ts';
import type { ConnectReport, GeneratorCommands } from '../../bench/load/protocol.ts';
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
/** How many of each are refused. */
export const WRONG_PASSWORDS = 3;
export const BROWSERS = 5;
const COMERS = 4;
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
    await live.#knock();
    void live.#send().catch(() => undefined);
    return live;
  }

  private constructor(gateway: GatewayProcess, site: Site, generator: LoadProcess<GeneratorCommands>) {
    this.process = gateway;
    this.#site = site;
    this.#generator = generator;
  }

  /** Somebody comes, somebody goes, some are not let in. */
  async stir(): Promise<void> {
    await this.#connect('staff', COMERS);
    await this.#knock();
    const staff = (await this.process.sessions()).filter(({ user }) => user === 'staff');
    for (const { id } of staff.slice(0, COMERS)) await this.process.disconnect(id);
  }

  async close(): Promise<void> {
    this.#isSending = false;
    await this.#generator.stop();
    await this.process.stop();
    this.#site.remove();
  }

  async #connect(user: string, count: number): Promise<void> {
    const { up, failures } = await this.#call(user, PASSWORD, count);
    if (up !== count) throw new Error(`${up} of ${count} tunnels are up: ${JSON.stringify(failures)}`);
  }

  /** With a wrong password, and with what is no SSTP. */
  async #knock(): Promise<void> {
    await this.#call('staff', 'wrong', WRONG_PASSWORDS);
    const { port } = this.process;
    for (let visit = 0; visit < BROWSERS; visit++) {
      await new Promise<void>(resolve => {
        const request = get({ host: 'localhost', port, ca: this.#site.ca }, response => void response.resume());
        request.on('error', () => undefined).once('close', resolve);
      });
    }
  }

  #call(user: string, password: string, count: number): Promise<ConnectReport> {
    const https = { host: 'localhost', port: this.process.port, ca: this.#site.ca };
    const target = { https, user, password, auth: ['mschapv2'] as const };
    return this.#generator.call('connect', { target, count, concurrency: WIDTH });
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
