"""The demo: a drawn street behind a virtual RTSP camera, a box, a broker and central, each a process of its own."""
