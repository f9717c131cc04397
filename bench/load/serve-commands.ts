import type { AnswerMessage, CommandMessage } from './load-process.ts';

/** Each command as it is carried out; what it throws becomes the caller's error. */
export type Handlers<T> = {
  readonly [Name in keyof T]: T[Name] extends (request: infer Request) => infer Report
    ? (request: Request) => Report | Promise<Report>
    : never;
};

/** A load process's end of the channel: says that it is ready, then answers commands until the bench is gone. */
export function serveCommands<T>(handlers: Handlers<T>): void {
  const table = handlers as Readonly<Record<string, (request: unknown) => unknown>>;
  process.on('message', ({ name, request }: CommandMessage) => {
    void (async () => {
      try {
        answer({ report: await table[name]!(request) });
      } catch (error) {
        answer({ error: error instanceof Error ? error.message : String(error) });
      }
    })();
  });
  // The bench decides about the end: an interrupt from the terminal reaches every process of the group.
  process.on('SIGINT', () => {});
  process.once('disconnect', () => process.exit(0));
  answer({ report: {} });
}

function answer(message: AnswerMessage): void {
  process.send?.(message);
}
