/** What the engine must do after the state is saved. Each can be repeated after a crash without harm. */
export type Effect =
  | { readonly kind: 'create-invoice' }
  | { readonly kind: 'settle-invoice' }
  | { readonly kind: 'cancel-invoice' }
  | { readonly kind: 'send-quote' }
  | {
      readonly kind: 'send-error';
      readonly code: 'payment-required' | 'quote-expired';
      readonly message: string;
    }
  | { readonly kind: 'send-result'; readonly status: 'failed' | 'cancelled'; readonly message: string }
  | { readonly kind: 'start-run' }
  | { readonly kind: 'abort-run' }
  | { readonly kind: 'deliver' }
  | { readonly kind: 'stop-delivery' }
  | { readonly kind: 'delete-contents' }
  | { readonly kind: 'alert'; readonly message: string };
