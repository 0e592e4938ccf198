import type { PropertiesOf } from "./supported-resources.ts";
import type { StackGraph } from "./template.ts";

/** A public client: an app that keeps no secret and signs in with a code and PKCE. */
export interface IssuerClient {
  readonly clientId: string;
  readonly redirectUris: readonly string[];
  /** Where one may land after signing out; nowhere unless set. */
  readonly logoutUris?: readonly string[] | undefined;
  /** What it may ask for; everything unless set. */
  readonly scopes?: readonly string[] | undefined;
  readonly accessTokenSeconds?: number | undefined;
  readonly idTokenSeconds?: number | undefined;
  readonly refreshTokenSeconds?: number | undefined;
  /** A used refresh token is replaced, and goes on working for so long; without it none is ever replaced. */
  readonly rotationGraceSeconds?: number | undefined;
}

const UNIT_SECONDS = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 } as const;
type Client = PropertiesOf<"AWS::Cognito::UserPoolClient">;
type Unit = keyof typeof UNIT_SECONDS;

/** The clients of the user pool, as the templates have them. */
export function readIssuerClients(graph: StackGraph): (IssuerClient & { readonly logicalId: string })[] {
  return graph.list("AWS::Cognito::UserPoolClient").map(({ logicalId, ref, properties }) => {
    const { TokenValidityUnits: units, RefreshTokenRotation: rotation } = properties;
    return {
      logicalId,
      clientId: ref,
      redirectUris: properties.CallbackURLs,
      logoutUris: properties.LogoutURLs,
      scopes: properties.AllowedOAuthScopes,
      // Without a unit Cognito counts hours, and days for refresh tokens.
      accessTokenSeconds: secondsOf(properties.AccessTokenValidity, units?.AccessToken ?? "hours"),
      idTokenSeconds: secondsOf(properties.IdTokenValidity, units?.IdToken ?? "hours"),
      refreshTokenSeconds: secondsOf(properties.RefreshTokenValidity, units?.RefreshToken ?? "days"),
      rotationGraceSeconds: rotation?.Feature === "ENABLED" ? (rotation.RetryGracePeriodSeconds ?? 0) : undefined,
    };
  });
}

function secondsOf(validity: Client["AccessTokenValidity"], unit: Unit): number | undefined {
  return validity === undefined ? undefined : validity * UNIT_SECONDS[unit];
}

/** The least that a password must have; Cognito's own least unless set. */
export function readPasswordLength(graph: StackGraph): number {
  return graph.list("AWS::Cognito::UserPool")[0]?.properties.Policies?.PasswordPolicy.MinimumLength ?? 8;
}
