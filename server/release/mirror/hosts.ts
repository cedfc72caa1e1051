/**
 * Which hosts may be sent rows: those that the setting names, and no address that hands out secrets of the machine
 * (link-local ones, where clouds have their metadata) unless the setting names that address itself.
 */

import { lookup as resolve } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/** Link-local, unspecified and multicast addresses, and metadata that stands elsewhere. */
const refused = new BlockList();
refused.addSubnet("169.254.0.0", 16, "ipv4");
refused.addSubnet("0.0.0.0", 8, "ipv4");
refused.addSubnet("224.0.0.0", 3, "ipv4");
refused.addAddress("100.100.100.200", "ipv4");
refused.addAddress("168.63.129.16", "ipv4");
refused.addSubnet("fe80::", 10, "ipv6");
refused.addSubnet("ff00::", 8, "ipv6");
refused.addAddress("::", "ipv6");
refused.addAddress("fd00:ec2::254", "ipv6");
refused.addSubnet("fd20:ce::", 64, "ipv6");

export class MirrorHosts {
  readonly #named: ReadonlySet<string>;

  /** @param named - `host` for any port, or `host:port`; an IPv6 address in brackets. */
  constructor(named: readonly string[]) {
    this.#named = new Set(named.map((each) => each.toLowerCase()));
  }

  /** @returns Why it may not be asked, in a sentence; undefined if it may. */
  fault(url: string): string | undefined {
    const { hostname, port, protocol } = new URL(url);
    const withPort = `${hostname}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}`;
    if (this.#named.has(hostname) || this.#named.has(withPort)) return undefined;
    return `${url}: the setting mirror-hosts doesn't name ${withPort}`;
  }

  /** As `dns.lookup`; gives no address that is refused. A URL that has an address in place of a name isn't looked up. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const allowed = addresses.filter(({ address }) => this.#mayConnect(address));
      if (allowed.length === 0)
        return callback(
          Object.assign(new Error(`${hostname} has no address that may be asked`), { code: refusedCode }),
          [],
        );
      if (options.all) callback(null, allowed);
      else callback(null, allowed[0]!.address, allowed[0]!.family);
    });
  };

  #mayConnect(address: string): boolean {
    const isV6 = isIP(address) === 6;
    if (!refused.check(address, isV6 ? "ipv6" : "ipv4")) return true;
    return this.#named.has(isV6 ? `[${address}]` : address);
  }
}

export const refusedCode = "ERR_MIRROR_ADDRESS";
