// A worker thread that reads a TUN device and then dies as told.

import { parentPort, workerData } from 'node:worker_threads';
import { TunDevice, type TunHandle } from '../../src/tun/tun-device.ts';
import { landingArea } from './recorder.ts';

export interface DeviceWorkerData {
  readonly handle: TunHandle;
  /** 'terminate': the parent ends it after its message. */
  readonly death: 'throw' | 'exit' | 'terminate';
}

const { handle, death } = workerData as DeviceWorkerData;
const device = new TunDevice(handle, landingArea());
device.start({ receive: () => {}, drained: () => {}, onError: () => {} });
// A turn of the event loop later, so that the device is being polled.
setTimeout(() => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a MessagePort, not a window
  parentPort?.postMessage('reading');
  if (death === 'throw') throw new Error('the worker dies as the test wants');
  if (death === 'exit') process.exit(1);
}, 10);
