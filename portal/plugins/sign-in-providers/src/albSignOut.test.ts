import express from 'express';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { signOutRoute } from './albSignOut';

async function signOut(signOutUrl?: string) {
  const app = express().use(
    signOutRoute(signOutUrl, 'https://portal.example.com/"x'),
  );
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    return await fetch(`http://127.0.0.1:${port}/awsalb/sign-out`, {
      redirect: 'manual',
    });
  } finally {
    server.close();
  }
}

describe('sign-out at the load balancer', () => {
  it('expires every cookie of the session', async () => {
    const cookies = (await signOut()).headers.getSetCookie();
    expect(cookies).toHaveLength(4);
    cookies.forEach((cookie, shard) => {
      expect(cookie).toMatch(
        `AWSELBAuthSessionCookie-${shard}=; Path=/; Expires=Thu, 01 Jan 1970`,
      );
      expect(cookie).toMatch(/; HttpOnly; Secure$/);
    });
  });

  it('leads to the identity provider, if it has an address', async () => {
    const answer = await signOut('https://login.example.com/logout?client=1');
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe(
      'https://login.example.com/logout?client=1',
    );
    expect(answer.headers.getSetCookie()).toHaveLength(4);
  });

  it('else says so, and offers to sign in again', async () => {
    const answer = await signOut();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.text()).toContain(
      '<a href="https://portal.example.com/%22x">Sign in again</a>',
    );
  });
});
