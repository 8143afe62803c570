/** Whether a request's URL is one of Backstage's health checks, which say nothing of users. */
export function isHealthCheck(url: string | undefined): boolean {
  return Boolean(url?.startsWith('/.backstage/health/'));
}
