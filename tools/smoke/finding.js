'use strict';
// What a check finds, and what the checks share: what to expect, and how long to wait.

// url: the portal's. httpUrl: the same host without TLS. issuer: host of whoever signs users in for
// the load balancer, or empty. providers: in whose windows the portal signs users in.
// catalogByToken: whether the load balancer lets the catalog's callers through. databasePort: empty
// without TLS. databaseCa: file with its root certificates.
exports.expected = JSON.parse(process.env.SMOKE);
exports.url = new URL(exports.expected.url);
exports.SECONDS = 10; // for each answer

const found = (state, text, fix = '') => ({ state, text, fix });
exports.ok = text => found('ok', text);
exports.missing = (text, fix) => found('missing', text, fix);
exports.unchecked = text => found('not checked', text);

exports.late = () => new Error(`no answer within ${exports.SECONDS} s`);
exports.reason = error => (error.name === 'AbortError' ? exports.late().message : error.code || error.message);
