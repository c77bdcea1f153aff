"""Streams: RTSP and files through PyAV, packets in a ring, time from the stream."""
