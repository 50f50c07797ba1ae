// Starts GraphiQL against this host, with operations worth running in its tabs.

const FIVE_OWNERS = `# One client through five systems.
query FiveOwners {
  clients(first: 3) {
    nodes {
      name                # CRM
      segment
      paymentTermsDays    # ERP
      creditStatus
      projects(first: 2) {
        nodes {
          code
          name            # ERP
          health          # PSA
          completedShare
          manager { name email role }   # HR and PSA
          invoices(first: 3) {
            nodes {
              number      # ERP
              status
              net { amount currency }   # billing
              paymentStatus {
                status
                balance { amount currency }
              }
            }
          }
        }
      }
    }
  }
}
`;

const WHERE_FROM = `# Where does each part come from, and how old is it?
query WhereFrom {
  projects(first: 5, filter: { status: [ACTIVE] }) {
    nodes {
      name
      health
      _meta { owner recordKey source asOf lagMs reason }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`;

const AS_IT_HAPPENS = `# Leave this running, and post an invoice by the last tab,
# in another window: the event arrives, with a cursor to
# resume from.
subscription AsItHappens {
  invoiceStatusChanged {
    cursor
    before
    after
    at
    invoice {
      number
      net { amount currency }
      client { name }
    }
  }
}
`;

const POST_AN_INVOICE = `# First run WhatCanBePosted. Put one of its ids among the
# variables below, then run PostAnInvoice.
query WhatCanBePosted {
  invoices(first: 3, filter: { status: [APPROVED] }) {
    nodes {
      id
      net { amount currency }
      availableActions { mutation }
    }
  }
}

mutation PostAnInvoice(
  $id: ID!
  $day: LocalDate!
  $key: String!
) {
  postInvoice(
    id: $id
    postingDate: $day
    idempotencyKey: $key
  ) {
    ... on InvoiceWritten { invoice { number status } }
    ... on Refused { code message }
  }
}
`;

const TO_POST = {
  id: "inv_…",
  day: new Date().toISOString().slice(0, 10),
  key: `a new one for each invoice: ${Date.now()}`,
};

const TABS = [
  { query: FIVE_OWNERS },
  { query: WHERE_FROM },
  { query: AS_IT_HAPPENS },
  { query: POST_AN_INVOICE, variables: JSON.stringify(TO_POST, null, 2) },
];

const here = new URL("graphql", window.location.href);
const socket = new URL(here);
socket.protocol = here.protocol === "https:" ? "wss:" : "ws:";

const fetcher = GraphiQL.createFetcher({
  url: here.href,
  wsClient: graphqlWs.createClient({ url: socket.href }),
});

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultEditorToolsVisibility: true,
    defaultTabs: TABS,
  }),
);
