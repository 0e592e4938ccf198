import { inspect } from "node:util";
import { SESv2Client } from "@aws-sdk/client-sesv2";
import { describe, expect, it } from "@jest/globals";
import { sesMail } from "../../functions/adapters/ses-mail.ts";

const MESSAGE = { to: "ada@example.com", subject: "Recharged: CNY 50.00 (尾号 0017)", text: "Your line ending in 0017 …", html: "<p>尾号 0017</p>" };

/** SES that answers by `answer`, and shows what it was asked. */
function sesThat(answer: () => { MessageId: string }) {
  const requests: object[] = [];
  const client = new SESv2Client({ region: "us-east-1" });
  client.middlewareStack.add(
    (_, { commandName }) =>
      async ({ input }) => {
        requests.push({ commandName, ...input });
        return { response: {}, output: { $metadata: {}, ...answer() } };
      },
    { step: "initialize" },
  );
  return { mail: sesMail(client, "notices@example.org"), requests };
}

describe("mail through SES", () => {
  it("is plain text and HTML in UTF-8, from the stage's address to one person", async () => {
    const { mail, requests } = sesThat(() => ({ MessageId: "0100" }));
    await mail.send(MESSAGE);
    expect(requests).toEqual([
      {
        commandName: "SendEmailCommand",
        FromEmailAddress: "notices@example.org",
        Destination: { ToAddresses: ["ada@example.com"] },
        Content: {
          Simple: {
            Subject: { Data: MESSAGE.subject, Charset: "UTF-8" },
            Body: { Text: { Data: MESSAGE.text, Charset: "UTF-8" }, Html: { Data: MESSAGE.html, Charset: "UTF-8" } },
          },
        },
      },
    ]);
  });

  it("that SES refuses is a fault, so that the notice is tried again; it names the kind of fault and nobody's address", async () => {
    const { mail } = sesThat(() => {
      throw Object.assign(new Error("Email address is not verified: ada@example.com"), { name: "MessageRejected" });
    });
    const fault: unknown = await mail.send(MESSAGE).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(Error);
    expect(String(fault)).toContain("MessageRejected");
    expect(inspect(fault)).not.toContain("ada@");
  });
});
