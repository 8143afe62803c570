// Reads {policies, requests} from standard input and writes one result a request: whether the
// policies allow it, which statements do, or why it is no request of that service. The simulator
// ignores condition keys that an action doesn't support. Keys of KMS have the policy that KMS gives
// them, which leaves the decision to the account's policies.
import { readFileSync } from 'node:fs'
import { runSimulation } from '@cloud-copilot/iam-simulate'

const { principal, account, policies, requests } = JSON.parse(readFileSync(0, 'utf8'))
const identityPolicies = policies.map((policy, index) => ({ name: String(index), policy }))

const keyPolicy = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${account}:root` },
      Action: 'kms:*',
      Resource: '*',
    },
  ],
}

async function evaluate({ action, resource, context }) {
  const found = await runSimulation(
    {
      request: {
        principal,
        action,
        resource: { resource, accountId: account },
        contextVariables: context,
      },
      identityPolicies,
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(action.startsWith('kms:') && { resourcePolicy: keyPolicy }),
    },
    {},
  )
  if (found.resultType === 'error') {
    return { allowed: false, statements: [], error: JSON.stringify(found.errors) }
  }
  const results = found.result ? [found.result] : found.results
  return {
    allowed: found.overallResult === 'Allowed',
    statements: results.flatMap(({ analysis }) =>
      analysis.identityAnalysis.allowStatements.map(({ explain }) => explain.identifier),
    ),
    error: null,
  }
}

const results = []
for (const request of requests) {
  results.push(await evaluate(request))
}
console.log(JSON.stringify(results))
