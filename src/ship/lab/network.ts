/** Addresses of this machine that a phone on the same network can reach. */
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';

/** Interfaces of containers, virtual machines and tunnels: a phone is hardly ever behind them. */
const virtual = /^(docker|br-|veth|virbr|vmnet|vboxnet|utun|tun|tap|wg|tailscale|zt|vEthernet)/i;

/** IPv4, those of real networks first. */
export function lanAddresses(
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>> = networkInterfaces(),
): string[] {
  return Object.entries(interfaces)
    .flatMap(([name, infos = []]) =>
      infos
        .filter((info) => info.family === 'IPv4' && !info.internal)
        .map((info) => ({ address: info.address, rank: rankOf(name, info.address) })),
    )
    .sort((a, b) => a.rank - b.rank)
    .map(({ address }) => address);
}

const rankOf = (name: string, address: string) =>
  (virtual.test(name) ? 4 : 0) + (address.startsWith('169.254.') ? 2 : 0) + (isPrivate(address) ? 0 : 1);

const isPrivate = (address: string) => /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(address);
