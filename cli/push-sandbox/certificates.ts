import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_serverAuth,
} from '@peculiar/asn1-x509';

/** What a client trusts, and what the server shows; all PEM. */
export interface Certificates {
  ca: string;
  certificate: string;
  key: string;
}

const COMMON_NAME = '2.5.4.3';
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const DAY_MS = 86_400_000;
const VALID_DAYS = 365;

interface Keys {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

const makeKeys = (): Keys => generateKeyPairSync('ec', { namedCurve: 'P-256' });

function nameOf(commonName: string): Name {
  const value = new AttributeValue({ utf8String: commonName });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value })])]);
}

function extension(extnID: string, value: unknown, critical = false): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function publicKeyOf(keys: Keys): SubjectPublicKeyInfo {
  return AsnConvert.parse(keys.publicKey.export({ type: 'spki', format: 'der' }), SubjectPublicKeyInfo);
}

/** The usual way to name a key in a certificate: SHA-1 of its bits (RFC 5280, 4.2.1.2). */
function identifierOf(keys: Keys): Buffer {
  return createHash('sha1')
    .update(Buffer.from(publicKeyOf(keys).subjectPublicKey))
    .digest();
}

/** A private key as PEM (PKCS #8), the form of Apple's .p8 files too. */
export function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

interface Wanted {
  subject: string;
  keys: Keys;
  issuer: string;
  issuerKeys: Keys;
  extensions: Extension[];
  now: number;
}

/** A certificate, encoded by the ASN.1 schemas of RFC 5280 and signed by Node. */
function certify({ subject, keys, issuer, issuerKeys, extensions, now }: Wanted): string {
  const algorithm = new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 });
  // The first byte keeps the number positive and of full length.
  const serialNumber = Buffer.concat([Buffer.of(0x40), randomBytes(15)]);
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: new Uint8Array(serialNumber).buffer,
    signature: algorithm,
    issuer: nameOf(issuer),
    // A day back, for clients whose clock is late.
    validity: new Validity({ notBefore: new Date(now - DAY_MS), notAfter: new Date(now + VALID_DAYS * DAY_MS) }),
    subject: nameOf(subject),
    subjectPublicKeyInfo: publicKeyOf(keys),
    extensions: new Extensions([
      extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(identifierOf(keys))),
      extension(id_ce_authorityKeyIdentifier, new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(identifierOf(issuerKeys)) })),
      ...extensions,
    ]),
  });
  const signature = sign('sha256', Buffer.from(AsnConvert.serialize(tbsCertificate)), issuerKeys.privateKey);
  const signatureValue = new Uint8Array(signature).buffer;
  const der = AsnConvert.serialize(new Certificate({ tbsCertificate, signatureAlgorithm: algorithm, signatureValue }));
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/**
 * A certificate authority and a certificate of this machine's loopback names, signed by it. The authority's key is forgotten at
 * once: whoever trusts the authority trusts this one server and nothing else, ever. `now` in milliseconds since 1970.
 */
export function makeCertificates(now: number): Certificates {
  const authority = { name: 'Holdfast push sandbox CA', keys: makeKeys() };
  const server = makeKeys();
  const common = { issuer: authority.name, issuerKeys: authority.keys, now };
  const ca = certify({
    ...common,
    subject: authority.name,
    keys: authority.keys,
    extensions: [
      extension(id_ce_basicConstraints, new BasicConstraints({ cA: true, pathLenConstraint: 0 }), true),
      extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.keyCertSign), true),
    ],
  });
  const names = [{ dNSName: 'localhost' }, { iPAddress: '127.0.0.1' }, { iPAddress: '::1' }].map((name) => new GeneralName(name));
  const certificate = certify({
    ...common,
    subject: 'Holdfast push sandbox',
    keys: server,
    extensions: [
      extension(id_ce_basicConstraints, new BasicConstraints({ cA: false }), true),
      extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature), true),
      extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth])),
      extension(id_ce_subjectAltName, new SubjectAlternativeName(names)),
    ],
  });
  return { ca, certificate, key: pemOf(server.privateKey) };
}
