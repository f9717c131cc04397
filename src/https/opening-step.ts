import type { Socket } from 'node:net';
import { HttpsOpenError, type HttpsOpenCode } from './open-error.ts';

/**
 * One step of opening a connection, which ends when `start` resolves or rejects it, or when the socket fails.
 * @param what names the other side in messages: 'server vpn.example.org port 443'.
 * @param codeOf what an error of the socket means in this step.
 */
export function openingStep<T>(
  socket: Socket,
  what: string,
  codeOf: (error: Error) => HttpsOpenCode,
  start: (resolve: (value: T) => void, reject: (error: HttpsOpenError) => void) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const failed = (error: Error): void => {
      release();
      reject(new HttpsOpenError(codeOf(error), `${what}: ${error.message}`, { cause: error }));
    };
    const closed = (): void => {
      release();
      reject(new HttpsOpenError('closed', `${what} closed the connection`));
    };
    const release = (): void => {
      socket.off('error', failed);
      socket.off('close', closed);
    };
    if (socket.destroyed) {
      closed();
      return;
    }
    socket.once('error', failed);
    socket.once('close', closed);
    start(
      value => {
        release();
        resolve(value);
      },
      error => {
        release();
        reject(error);
      },
    );
  });
}
