/** Code points that Unicode assigned after version 15.1, whose tables the engines have, up to 17: to them they are no letters yet. */
export const newerCodePoints: readonly (readonly [first: number, last: number])[] = `
  88f 897 c5c cdc 1acf-1add 1ae0-1aeb 1b4e 1b4f 1b7f 1c89 1c8a 20c1 2427-2429 2b96 31e4 31e5 a7cb-a7cf
  a7d2 a7d4 a7da-a7dc a7f1 fbc3-fbd2 fd90 fd91 fdc8-fdce 105c0-105f3 10940-10959 10d40-10d8f 10ec2-10ec7
  10ed0-10ed8 10efa-10efc 11380-113e2 116d0-116e3 11b60-11b67 11bc0-11bf9 11db0-11de9 11f5a 13460-143fa
  16100-16139 16d40-16d79 16ea0-16ed3 16ff2-16ff6 187f8-187ff 18cff 18d09-18d1e 18d80-18df2 1cc00-1cef0
  1e5d0-1e5ff 1e6c0-1e6ff 1f6d8 1f777-1f77a 1f8b2-1f8d8 1fa54-1fa57 1fa89 1fa8a 1fa8e 1fa8f 1fabe 1fac6
  1fac8 1facd 1fadc 1fadf 1fae9 1faea 1faef 1fbcb-1fbef 1fbfa 2b73a-2b73f 2cea2-2cead 323b0-33479
`
  .trim()
  .split(/\s+/)
  .map((range) => {
    const [first = 0, last = first] = range.split('-').map((hex) => Number.parseInt(hex, 16));
    return [first, last];
  });
