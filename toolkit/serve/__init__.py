"""The service: the Open Inference Protocol (V2, REST) over the runtime, for those who need one."""
