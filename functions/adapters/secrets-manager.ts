import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import * as z from "zod/mini";
import { AWS_LIMITS } from "./aws-limits.ts";

export function secretsManager(): SecretsManagerClient {
  return new SecretsManagerClient(AWS_LIMITS);
}

/** A secret is not what the function needs; says which one and what is missing, never what it holds. */
export class WrongSecret extends Error {
  override name = "WrongSecret";
}

/** Reads a secret that an operator wrote as JSON. */
export async function readSecret<Shape extends z.core.$ZodType>(
  client: Pick<SecretsManagerClient, "send">,
  arn: string,
  shape: Shape,
): Promise<z.core.output<Shape>> {
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
  let value: unknown;
  try {
    value = JSON.parse(SecretString ?? "");
  } catch {
    throw new WrongSecret(`The secret ${arn} is not JSON`); // without the cause: it would quote the secret
  }
  const result = z.safeParse(shape, value);
  if (result.success) return result.data;
  const fields = result.error.issues.map((issue) => issue.path.join(".") || "the whole").join(", ");
  throw new WrongSecret(`The secret ${arn} lacks a proper value in: ${fields}`);
}
