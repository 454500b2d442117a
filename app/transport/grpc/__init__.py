"""gRPC: ``inference.GRPCInferenceService`` of the Open Inference Protocol, over the same models and batches as HTTP."""
