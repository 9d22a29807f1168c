/* A shared object that is no plugin. */
int nothing_of_tessera(void);

int nothing_of_tessera(void)
{
    return 0;
}
