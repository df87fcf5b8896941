#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write the network plan of an invented carrier that has all prefixes of a country.

    tools/carrier-plan.py br-ipv4.cidr br-ipv6.cidr >carrier.yaml
    porteiro check carrier.yaml

Each file lists prefixes, one a line, IPv4 or IPv6; text after '#' is left out.
The same files give the same plan: a prefix's own hash says to which city and
kind of customer it belongs, so that a new prefix moves no other one.
"""
import argparse
import hashlib
import ipaddress
import sys

CITIES = ['manaus', 'belem', 'fortaleza', 'recife', 'salvador', 'brasilia', 'goiania',
          'belo-horizonte', 'rio', 'sao-paulo', 'curitiba', 'porto-alegre']
CITIES_A_WAVE = 3

# Of 100 prefixes, how many of each: kind, addressing, treatment, mode; '' is left to the defaults.
SHARES = [
    (60, 'homes', 'residential', 'dynamic', 'closed', ''),
    (15, 'mobile', 'residential', 'cgnat', 'closed', 'monitor'),
    (20, 'business', 'business', 'fixed', 'open', ''),
    (5, 'own', 'infrastructure', 'fixed', 'open', ''),
]


def read(paths):
    """All prefixes of the files, sorted; one inside another is left out."""
    found = {4: [], 6: []}
    for path in paths:
        with open(path, encoding='ascii') as lines:
            for number, line in enumerate(lines, 1):
                text = line.split('#')[0].strip()
                if not text:
                    continue
                try:
                    net = ipaddress.ip_network(text)
                except ValueError as e:
                    sys.exit(f'{path}:{number}: {e}')
                found[net.version].append(net)
    kept = []
    for version in (4, 6):
        for net in sorted(set(found[version])):
            if not (kept and kept[-1].version == version and net.subnet_of(kept[-1])):
                kept.append(net)
    return kept


def place(net):
    """(city, row of SHARES), by the prefix alone."""
    digest = hashlib.blake2b(str(net).encode(), digest_size=8).digest()
    roll = digest[0] * 100 // 256
    for row, share in enumerate(SHARES):
        if roll < share[0]:
            break
        roll -= share[0]
    return CITIES[digest[1] % len(CITIES)], row


def segments(nets):
    """{(row of SHARES, city): prefixes}; infrastructure is one segment, without a city."""
    found = {}
    for net in nets:
        city, row = place(net)
        key = (row, '' if SHARES[row][2] == 'infrastructure' else city)
        found.setdefault(key, []).append(net)
    return dict(sorted(found.items()))


def name(row, city):
    return '-'.join(filter(None, (SHARES[row][1], city)))


def write(nets, out):
    found = segments(nets)
    print('# Made by tools/carrier-plan.py from lists of prefixes; the carrier is invented.', file=out)
    print('operator:\n  name: Operadora Exemplo\n  as: 64500\n  contact: noc@carrier.example', file=out)
    print('  languages: [pt-BR, en]\n  space:', file=out)
    for net in nets:
        print(f'    - {net}', file=out)
    print('defaults:\n  mode: reject\nsegments:', file=out)
    for (row, city), prefixes in found.items():
        _, _, kind, addressing, treatment, mode = SHARES[row]
        print(f'  - name: {name(row, city)}\n    kind: {kind}\n    addressing: {addressing}', file=out)
        if city:
            print(f'    place: {city}', file=out)
        print(f'    treatment: {treatment}', file=out)
        if mode:
            print(f'    mode: {mode}', file=out)
        print('    prefixes:', file=out)
        for net in prefixes:
            print(f'      - {net}', file=out)
    own = [net for (row, city), prefixes in found.items() if not city for net in prefixes]
    relays = [next((net[25] for net in own if net.version == v and net.num_addresses > 25), None)
              for v in (4, 6)]
    if any(relays):
        print('smarthosts:\n  - name: relay\n    prefixes:', file=out)
        for address in filter(None, relays):
            print(f'      - "{address}"', file=out)
    print('waves:', file=out)
    for first in range(0, len(CITIES), CITIES_A_WAVE):
        cities = CITIES[first:first + CITIES_A_WAVE]
        closed = [name(row, city) for row, city in found
                  if city in cities and SHARES[row][4] == 'closed']
        if closed:
            print(f'  - name: wave-{first // CITIES_A_WAVE + 1}', file=out)
            print(f'    segments: [{", ".join(closed)}]', file=out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('list', nargs='+', help='file of prefixes, one a line')
    parser.add_argument('--limit', type=int, help='take only so many prefixes of each family')
    options = parser.parse_args()
    nets = read(options.list)
    if options.limit is not None:
        nets = [net for v in (4, 6) for net in [n for n in nets if n.version == v][:options.limit]]
    if not nets:
        sys.exit('no prefix in ' + ', '.join(options.list))
    write(nets, sys.stdout)


if __name__ == '__main__':
    main()
