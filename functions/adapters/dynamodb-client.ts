import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";
import { AWS_LIMITS } from "./aws-limits.ts";

/** The one way to DynamoDB: undefined fields are left out of items. */
export function dynamoDb(endpoint?: string): DynamoDBDocumentClient {
  const client = new DynamoDBClient({ endpoint, ...AWS_LIMITS });
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}

/** A page mark that is not one of ours: the caller's mistake. */
export class InvalidPage extends Error {
  override name = "InvalidPage";
}

/** A key in a page mark. DynamoDB refuses empty ones, and those of more than 1,024 bytes (255 x 3 in UTF-8 = 765). */
export const keyText = z.string().check(z.minLength(1), z.maxLength(255));

/** Turns DynamoDB's last key into an opaque text for the next page. */
export function pageMark(key: Record<string, unknown> | undefined): string | undefined {
  return key === undefined ? undefined : Buffer.from(JSON.stringify(key)).toString("base64url");
}

/** Turns the text back; `parse` says which keys are ours and throws on others. */
export function pageKey<Key>(mark: string | undefined, parse: (value: unknown) => Key): Key | undefined {
  if (mark === undefined) return undefined;
  try {
    return parse(JSON.parse(Buffer.from(mark, "base64url").toString()));
  } catch (error) {
    throw new InvalidPage("The page mark was not given by this list", { cause: error });
  }
}
