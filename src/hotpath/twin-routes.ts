/** The twin of `assembly/routes.ts`. */

const MAX_PREFIX_LENGTH = 32;
const MAX_ROUTES = 98_304;

/** Addresses, and networks by length. */
export class TwinRoutes4 {
  readonly #hosts = new Map<number, number>();
  readonly #networks = new Map<number, Map<number, number>>();

  add(address: number, slot: number): boolean {
    if (address === 0 || slot < 0) return false;
    if (this.#hosts.size >= MAX_ROUTES && !this.#hosts.has(address)) return false;
    this.#hosts.set(address, slot);
    return true;
  }

  remove(address: number): boolean {
    return this.#hosts.delete(address);
  }

  addNetwork(address: number, prefixLength: number, slot: number): boolean {
    if (prefixLength < 0 || prefixLength > MAX_PREFIX_LENGTH || slot < 0) return false;
    let networks = this.#networks.get(prefixLength);
    if (networks === undefined) this.#networks.set(prefixLength, (networks = new Map()));
    networks.set(network(address, prefixLength), slot);
    return true;
  }

  removeNetwork(address: number, prefixLength: number): boolean {
    return this.#networks.get(prefixLength)?.delete(network(address, prefixLength)) === true;
  }

  /** @returns the slot for the address, or -1. */
  find(address: number): number {
    const host = this.#hosts.get(address);
    if (host !== undefined) return host;
    for (let prefixLength = MAX_PREFIX_LENGTH; prefixLength >= 0; prefixLength -= 1) {
      const slot = this.#networks.get(prefixLength)?.get(network(address, prefixLength));
      if (slot !== undefined) return slot;
    }
    return -1;
  }
}

function network(address: number, prefixLength: number): number {
  return prefixLength === 0 ? 0 : address & (-1 << (32 - prefixLength));
}
