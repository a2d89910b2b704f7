// A real OpenID provider for tests: oidc-provider on loopback, on a port of its own choice. The folder with the package
// is the only argument. It prints its address, then "rotated" for each line that it reads: its keys are others by then.

import { generateKeyPairSync, randomUUID, webcrypto } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

globalThis.crypto ??= webcrypto;
const { default: Provider } = await import(
  pathToFileURL(`${process.argv[2]}/node_modules/oidc-provider/lib/index.js`)
);

const KINDS = [
  ['rsa', { modulusLength: 2048 }, 'RS256'],
  ['ec', { namedCurve: 'P-256' }, 'ES256'],
  ['ed25519', {}, 'EdDSA'],
];

function keys() {
  return KINDS.map(([type, options, alg]) => {
    const { privateKey } = generateKeyPairSync(type, options);
    return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg, use: 'sig' };
  });
}

// What a token is asked for says who it is for and how it is signed: https://<audience>.example.org/<algorithm>.
function resourceServer(_, resource) {
  const { hostname, pathname } = new URL(resource);
  return {
    scope: 'api',
    audience: hostname.split('.')[0],
    accessTokenFormat: 'jwt',
    accessTokenTTL: 600,
    jwt: { sign: { alg: pathname.slice(1) } },
  };
}

function provider(issuer) {
  return new Provider(issuer, {
    clients: [{
      client_id: 'portal',
      client_secret: 'portal-secret',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    }],
    jwks: { keys: keys() },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: { enabled: true, getResourceServerInfo: resourceServer },
    },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
    extraTokenClaims: () => ({
      preferred_username: 'ada@example.org',
      realm_access: { roles: ['staff', 'auditors', 'PAM Administrator'] },
    }),
  }).callback();
}

let answer;
const server = createServer((request, response) => answer(request, response));
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  answer = provider(issuer);
  console.log(`listening ${issuer}`);
  createInterface({ input: process.stdin })
    .on('line', () => {
      answer = provider(issuer);
      console.log('rotated');
    })
    .on('close', () => process.exit());
});
