-- Requests about an operation that another request began: every other is found by its operation. Databases of builds between two
-- releases may have it.
CREATE INDEX IF NOT EXISTS requests_that_follow ON requests (payment) WHERE path IN ('payment/card/3ds_check_iframe',
    'payment/card/3ds_result', 'payment/card/merchant_auth', 'payment/clarification', 'payment/invoice/cancel');
