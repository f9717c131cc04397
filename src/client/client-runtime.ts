import { BlockPool } from '../hotpath/block-pool.ts';
import { Hotpath, loadHotpath } from '../hotpath/hotpath.ts';
import type { PacketPath } from '../hotpath/packet-path.ts';

/** What all clients of one thread share: one hot path with its memory. Not for use by two threads. */
export interface ClientRuntime {
  readonly path: PacketPath;
  readonly blocks: BlockPool;
}

export async function createClientRuntime(): Promise<ClientRuntime> {
  const path = new Hotpath(await loadHotpath());
  return { path, blocks: new BlockPool(path) };
}
