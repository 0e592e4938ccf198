import { once } from "node:events";
import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import type { OutboxMail } from "../../local/cloud/aws-endpoints.ts";
import { outboxControls } from "./local-controls.ts";

const AT = "2026-11-23T08:00:00.000Z";
const MAIL: OutboxMail = {
  id: "1",
  channel: "email",
  at: AT,
  from: "notices@example.org",
  to: ["ada@example.com"],
  subject: "eSIM …0017: recharged <CN¥50.00>",
  text: "We charged\nCN¥50.00 & credited it.",
  html: '<p style="color:red">We charged & credited it.</p><script>alert(1)</script>',
};
const TEXT_MESSAGE: OutboxMail = { id: "2", channel: "sms", at: AT, from: "", to: ["+8613800000000"], subject: "", text: "尾号0017的eSIM：已充值 ¥50.00。" };

describe("the local outbox", () => {
  const handle = outboxControls([MAIL, TEXT_MESSAGE]);
  const server = createServer((request, response) => void handle(request, response));
  let url: string;

  beforeAll(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${z.parse(z.object({ port: z.number() }), server.address()).port}`;
  });
  afterAll(async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  });

  it("lists mails and text messages, and says where each can be read", async () => {
    expect(await (await fetch(`${url}/local/outbox`)).json()).toEqual([
      { ...MAIL, html: undefined, readableAt: "/local/outbox/1" },
      { ...TEXT_MESSAGE, readableAt: "/local/outbox/2" },
    ]);
  });

  it("shows a mail to a browser as its reader would see it, without letting it run anything", async () => {
    const response = await fetch(`${url}/local/outbox/1`);
    const page = await response.text();
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page).toContain("ada@example.com");
    expect(page).toContain("eSIM …0017: recharged &lt;CN¥50.00>");
    expect(page).toContain('sandbox srcdoc="&lt;p style=&quot;color:red&quot;>We charged &amp; credited it.&lt;/p>');
    expect(page).toContain("CN¥50.00 &amp; credited it.</pre>");
    expect(page).not.toContain("<script>");
    expect(page).toContain('<a href="/local/outbox/2">later</a>');
  });

  it("shows a text message, and says how many there are when asked for another", async () => {
    const page = await (await fetch(`${url}/local/outbox/2`)).text();
    expect(page).toContain("+8613800000000");
    expect(page).toContain(TEXT_MESSAGE.text);
    expect(page).not.toContain("iframe");
    const missing = await fetch(`${url}/local/outbox/3`);
    expect([missing.status, await missing.json()]).toEqual([404, { status: 404, detail: "The outbox holds 2" }]);
    expect((await fetch(`${url}/local/outbox/0`)).status).toBe(404);
  });
});
