/** A bench's end of the channel to a load process: see protocol.ts. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { GeneratorCommands, ReaderCommands, SenderCommands } from './protocol.ts';

/** Functions from one plain object to another. */
type Commands<T> = { readonly [Name in keyof T]: (request: never) => unknown };

export interface CommandMessage {
  readonly name: string;
  readonly request: unknown;
}

export type AnswerMessage = { readonly report: unknown } | { readonly error: string };

/** The load generator in the network namespace `namespace`, in the present one when undefined. */
export function startGenerator(namespace?: string): Promise<LoadProcess<GeneratorCommands>> {
  return LoadProcess.start('generator.js', [], namespace);
}

/** Opens its TUN device `device` in `namespace`; packets to `network` ('10.99.0.0/16') are routed to it and counted. */
export function startSender(
  namespace: string,
  { device, network }: { readonly device: string; readonly network: string },
): Promise<LoadProcess<SenderCommands>> {
  return LoadProcess.start('sender.js', [device, network], namespace);
}

/** Reads the admin plane of a gateway in `namespace`. */
export function startReader(namespace: string): Promise<LoadProcess<ReaderCommands>> {
  return LoadProcess.start('reader.js', [], namespace);
}

export class LoadProcess<T extends Commands<T>> {
  readonly #child: ChildProcess;
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves when the process takes commands. @param script in this folder. */
  static async start<T extends Commands<T>>(
    script: string,
    args: readonly string[],
    namespace: string | undefined,
  ): Promise<LoadProcess<T>> {
    const command = [
      process.execPath,
      '--enable-source-maps',
      fileURLToPath(new URL(script, import.meta.url)),
      ...args,
    ];
    // `ip netns exec` becomes the command, and the channel's descriptor stays open: the process id is that of the script.
    const [program, ...rest] = namespace === undefined ? command : ['ip', 'netns', 'exec', namespace, ...command];
    const child = spawn(program!, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const process_ = new LoadProcess<T>(child);
    await process_.#answer();
    return process_;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** @throws Error with the message of the process when the command failed there, or when the process is gone. */
  call<Name extends keyof T & string>(name: Name, request: Parameters<T[Name]>[0]): Promise<ReturnType<T[Name]>> {
    const answer = this.#last.then(async () => {
      const answered = this.#answer();
      this.#child.send({ name, request } satisfies CommandMessage);
      return (await answered) as ReturnType<T[Name]>;
    });
    this.#last = answer.catch(() => {});
    return answer;
  }

  /** Without farewell: tunnels that are still up are reset. Idempotent. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const child = this.#child;
      const settle = (then: () => void): void => {
        child.off('message', answered).off('exit', exited).off('error', failed);
        then();
      };
      const answered = (message: AnswerMessage): void =>
        settle(() => ('error' in message ? reject(new Error(message.error)) : resolve(message.report)));
      const exited = (code: number | null, signal: string | null): void =>
        settle(() => reject(new Error(`a load process ended with ${code ?? signal}`)));
      const failed = (error: Error): void => settle(() => reject(error));
      child.on('message', answered).on('exit', exited).on('error', failed);
    });
  }
}
