/** A cable on which packets take their time: {@link Cable} of `slow-path.ts`. */
import type { Namespace } from '../test/tun/namespace.ts';
import { startScript } from './children.ts';
import type { Child } from './children.ts';
import { OUTER } from './testbed.ts';
import type { SlowPathRequest } from './slow-path.ts';

export async function layLongCable(
  gatewaySide: Namespace,
  clientSide: Namespace,
  options: Omit<SlowPathRequest, 'devices'>,
): Promise<Child> {
  const { device } = OUTER;
  const farEnd = `${device}-c`;
  const request: SlowPathRequest = { devices: [device, farEnd], ...options };
  const [path] = await startScript(gatewaySide, 'slow-path', request);
  gatewaySide.ip('link', 'set', 'dev', farEnd, 'netns', clientSide.name, 'name', device);
  for (const [side, address] of [
    [gatewaySide, OUTER.gateway],
    [clientSide, OUTER.client],
  ] as const) {
    side.ip('address', 'add', `${address}/24`, 'dev', device);
    side.ip('link', 'set', 'dev', device, 'addrgenmode', 'none', 'mtu', '1500', 'txqueuelen', '1000', 'up');
  }
  return path;
}
