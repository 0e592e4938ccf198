import { inspect } from "node:util";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { describe, expect, it } from "@jest/globals";
import type * as z from "zod/mini";
import { readSecret, WrongSecret } from "../../functions/adapters/secrets-manager.ts";
import { secrets } from "../../functions/contracts/environment.ts";

const ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:StripeSecret-a1b2c3";
const KEY = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";

/** Secrets Manager with one secret, whose text this is. */
function holding(SecretString: string | undefined): SecretsManagerClient {
  const client = new SecretsManagerClient({ region: "us-east-1" });
  client.middlewareStack.add(
    () =>
      async ({ input }) => {
        if (!("SecretId" in input) || input.SecretId !== ARN) throw new Error("There is no such secret");
        return { response: {}, output: { $metadata: {}, SecretString } };
      },
    { step: "initialize" },
  );
  return client;
}

async function refusal(text: string | undefined, shape: z.ZodMiniType): Promise<Error> {
  const error: unknown = await readSecret(holding(text), ARN, shape).catch((thrown: unknown) => thrown);
  if (!(error instanceof WrongSecret)) throw new Error("The secret was taken");
  return error;
}

describe("a secret", () => {
  it("is read as the JSON that an operator wrote", async () => {
    const client = holding(`{ "secretKey": "${KEY}", "note": "rotated in May" }`);
    expect(await readSecret(client, ARN, secrets.stripe)).toEqual({ secretKey: KEY });
  });

  it.each<[string, string | undefined, z.ZodMiniType, string]>([
    ["that is only the key", KEY, secrets.stripe, "is not JSON"],
    ["with a comma too many", `{ "secretKey": "${KEY}", }`, secrets.stripe, "is not JSON"],
    ["that was never written", undefined, secrets.stripe, "is not JSON"],
    ["that is a text", `"${KEY}"`, secrets.stripe, "the whole"],
    ["with a misspelt field", `{ "secretkey": "${KEY}" }`, secrets.stripe, "secretKey"],
    ["with an empty field", `{ "secretKey": "" , "old": "${KEY}" }`, secrets.stripe, "secretKey"],
    ["with a wrong address", `{ "secretKey": "${KEY}", "baseUrl": "${KEY}" }`, secrets.stripe, "baseUrl"],
    ["with several faults", `{ "baseUrl": "${KEY}" }`, secrets.carrier, "baseUrl, secret"],
  ])("%s is refused by name, and never quoted", async (_, text, shape, fault) => {
    const error = await refusal(text, shape);
    expect(error.message).toContain(ARN);
    expect(error.message).toContain(fault);
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain(KEY.slice(0, 8)); // nor its beginning in a cause, as JSON.parse quotes it
  });

  it("that cannot be read is a fault of Secrets Manager, as it told it", async () => {
    await expect(readSecret(holding("{}"), `${ARN}-other`, secrets.stripe)).rejects.toThrow("There is no such secret");
  });
});
