"""Where a session's state is kept: in this process, or shared by workers and machines."""
