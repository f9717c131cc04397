/** A gateway as users run it: a process of its own, seen through its admin plane and its log. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ReloadView, SessionView, StatusView } from '../../src/admin/gateway-view.ts';
import type { Site } from './site.ts';

export const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const START_LIMIT_MS = 20_000;

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

export class GatewayProcess {
  readonly port: number;
  readonly log: LogLine[];
  readonly #child: ReturnType<typeof spawn>;
  /** It has ended, and all that it logged is in `log`. */
  readonly #closed: Promise<void>;
  /** URL of the admin plane. */
  readonly admin: string;

  /**
   * @param namespace the network namespace to run in; its admin plane can only be reached from there.
   * @param nodeArguments for a gateway that is looked into: a profiler, a preloaded module.
   */
  static async start(site: Site, namespace?: string, nodeArguments: readonly string[] = []): Promise<GatewayProcess> {
    const command = [
      process.execPath,
      '--enable-source-maps',
      ...nodeArguments,
      MAIN,
      'serve',
      '--config',
      site.configFile,
    ];
    // `ip netns exec` becomes the command: the process id is the gateway's.
    const [program, ...args] = namespace === undefined ? command : ['ip', 'netns', 'exec', namespace, ...command];
    const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    // A test that fails half-way must not leave its gateway running.
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    const log: LogLine[] = [];
    let errors = '';
    child.stderr.on('data', chunk => (errors += String(chunk)));
    const up = new Promise<LogLine>((resolve, reject) => {
      createInterface(child.stdout).on('line', line => {
        const entry = JSON.parse(line) as LogLine;
        log.push(entry);
        if (entry.msg === 'gateway is up') resolve(entry);
      });
      child.once('exit', code => reject(new Error(`the gateway ended with ${code}: ${errors}`)));
      setTimeout(() => reject(new Error(`the gateway did not start in time: ${errors}`)), START_LIMIT_MS).unref();
    });
    const { listen, adminPort } = (await up) as unknown as { listen: { port: number }[]; adminPort: number };
    return new GatewayProcess(child, log, listen[0]!.port, `http://${adminHost(site)}:${adminPort}`);
  }

  private constructor(child: ReturnType<typeof spawn>, log: LogLine[], port: number, admin: string) {
    this.#child = child;
    this.#closed = new Promise(resolve => void child.once('close', () => resolve()));
    this.log = log;
    this.port = port;
    this.admin = admin;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async status(): Promise<StatusView> {
    return (await this.#get('/api/v1/status')) as StatusView;
  }

  async sessions(): Promise<SessionView[]> {
    const answer = (await this.#get('/api/v1/sessions')) as { sessions: SessionView[] };
    return answer.sessions;
  }

  /** Status code of /readyz. */
  async readiness(): Promise<number> {
    return (await fetch(`${this.admin}/readyz`)).status;
  }

  async reload(): Promise<ReloadView> {
    const response = await fetch(`${this.admin}/api/v1/reload`, { method: 'POST' });
    return (await response.json()) as ReloadView;
  }

  /** Refuses new tunnels; those that there are stay. */
  async drain(): Promise<void> {
    await fetch(`${this.admin}/api/v1/drain`, { method: 'POST' });
  }

  async disconnect(id: string): Promise<number> {
    return (await fetch(`${this.admin}/api/v1/sessions/${id}`, { method: 'DELETE' })).status;
  }

  /** Waits until `condition` holds of the status. */
  async until(condition: (status: StatusView) => boolean, limitMs = 30_000): Promise<StatusView> {
    const end = performance.now() + limitMs;
    for (;;) {
      const status = await this.status();
      if (condition(status)) return status;
      if (performance.now() > end) throw new Error(`not reached in time: ${JSON.stringify(status)}`);
      await sleep(20);
    }
  }

  async untilLogged(message: string, limitMs = 30_000): Promise<LogLine> {
    const end = performance.now() + limitMs;
    for (;;) {
      const line = this.log.find(entry => entry.msg === message);
      if (line !== undefined) return line;
      if (performance.now() > end) throw new Error(`"${message}" was not logged: ${JSON.stringify(this.log)}`);
      await sleep(20);
    }
  }

  /** SIGTERM. @returns the exit code */
  async stop(): Promise<number | null> {
    this.signal('SIGTERM');
    return this.ended();
  }

  /** Nothing happens to a gateway that has ended. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** @returns the exit code when the gateway has ended, null for one that was killed */
  async ended(): Promise<number | null> {
    await this.#closed;
    return this.#child.exitCode;
  }

  async #get(path: string): Promise<unknown> {
    const response = await fetch(this.admin + path);
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    const answer: unknown = await response.json();
    // What was logged before the answer comes by another way, in the same turn of the event loop at the latest.
    await nextTurn();
    return answer;
  }
}

function adminHost({ configFile }: Site): string {
  const { admin } = JSON.parse(readFileSync(configFile, 'utf8')) as { admin: { listen: string } };
  return admin.listen.split(':')[0]!;
}
