"""The HTTP app: GET /ping and POST /invocations, as Amazon SageMaker asks for them."""
