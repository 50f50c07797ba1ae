// Starts GraphiQL against this host, with three queries worth running in its tabs.

const FIVE_OWNERS = `# One client through five systems: CRM, ERP, PSA, HR and billing.
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
              paymentStatus { status balance { amount currency } }
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

const AS_IT_HAPPENS = `# Leave this running and post an invoice: the event arrives with a cursor to resume from.
subscription AsItHappens {
  invoiceStatusChanged {
    cursor
    before
    after
    at
    invoice { number net { amount currency } client { name } }
  }
}
`;

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
    defaultTabs: [FIVE_OWNERS, WHERE_FROM, AS_IT_HAPPENS].map((query) => ({ query })),
  }),
);
