/** A service account, or another credential of Google. */
export interface GoogleSettings {
  readonly cloud: 'google';
  /** JSON of the credential, or the path of a file with it. Absent: the application default. */
  readonly credentials?: string;
}

/** An identity of AWS. Without any member it is the host's own. */
export interface AwsSettings {
  readonly cloud: 'aws';
  readonly region: string;
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
  readonly profile?: string;
  /** The role to assume. */
  readonly role?: string;
  readonly sessionName?: string;
  readonly externalId?: string;
  /** A token of another identity provider, or the path of a file with it. It is exchanged for the role. */
  readonly webIdentityToken?: string;
  readonly stsEndpoint?: string;
}

/** An identity of Entra ID. Without any member it is the host's own: its managed identity, or what its environment names. */
export interface EntraSettings {
  readonly cloud: 'entra';
  readonly tenantId?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  readonly scope: string;
}

/** An identity at a cloud, whose credential is had at the time of a call. */
export type CloudSettings = GoogleSettings | AwsSettings | EntraSettings;
