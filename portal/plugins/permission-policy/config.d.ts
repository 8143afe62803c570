export interface Config {
  permission?: {
    /** Keys of @backstage-community/plugin-rbac-backend that this policy reads, too. */
    rbac?: {
      /** Path of the CSV file with the lines `p` and `g`. */
      'policies-csv-file'?: string;
      /** Path of the YAML file with the conditions. */
      conditionalPoliciesFile?: string;
      /** What decides when a role has a line and another one a condition. Default: conditional. */
      policyDecisionPrecedence?: 'basic' | 'conditional';
      /** Groups are those of the sign-in token; always so here. */
      useOwnershipEntityRefs?: boolean;
      defaultPermissions?: {
        /** The role of everyone who is signed in. */
        defaultRole: string;
        basicPermissions?: Array<{
          permission: string;
          /** Default: use. */
          action?: 'create' | 'read' | 'update' | 'delete' | 'use';
        }>;
      };
    };
  };
}
